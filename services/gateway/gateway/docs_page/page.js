// Shows the document that the API serves beside this page. Whatever server it names, the page calls the API that the
// page itself came from: behind a CDN or a proxy that is the only address which the browser is let through to.
const base = window.location.href.split(/[?#]/)[0].replace(/\/docs$/, "");

fetch(`${base}/openapi.json`)
  .then((answer) => answer.json())
  .then((spec) => {
    window.ui = SwaggerUIBundle({
      dom_id: "#reference",
      spec: { ...spec, servers: [{ url: base }] },
      deepLinking: true,
      docExpansion: "list",
      filter: true,
      displayRequestDuration: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      presets: [SwaggerUIBundle.presets.apis],
    });
  })
  .catch((error) => {
    document.getElementById("reference").textContent = `The API's description cannot be read: ${error}`;
  });
