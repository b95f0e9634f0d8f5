/** The mails of the embedded cloud, which sends none and shows them instead. It serves them beside the API, on loopback alone. */

/**
 * @typedef {{id: string, subject: string, text: string, at: string}} Mail
 */

/**
 * The mails to an address, the latest first.
 *
 * @param {string} email
 * @returns {Promise<Mail[]>}
 */
export async function mailsTo(email) {
  const answer = await fetch(new URL("/_ministack/ses/messages", location.href), { cache: "no-store" });
  const { messages } = await answer.json();
  return Object.values(messages)
    .flat()
    .filter((mail) => mail.To.includes(email))
    .map((mail) => ({ id: mail.MessageId, subject: mail.Subject, text: mail.BodyText || "", at: timeOf(mail.Timestamp) }))
    .sort((a, b) => b.at.localeCompare(a.at));
}

/** @param {string | number} timestamp as SES or, in seconds, as Cognito's mails have it */
function timeOf(timestamp) {
  return new Date(typeof timestamp === "number" ? timestamp * 1000 : timestamp).toISOString();
}
