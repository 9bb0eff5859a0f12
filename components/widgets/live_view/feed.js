// Carries messages to the view, which may not be there yet.
export default function ({ data }) {
  const inbox = (globalThis.idealCatInbox ??= { messages: [], open: null });
  inbox.messages.push(data);
  inbox.open?.();
}
