// Shows the document that the API serves beside this page. The page always calls the API that it came from, not the
// server that the document names: behind a CDN or a proxy, a browser reaches only the former.
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
