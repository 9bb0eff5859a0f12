// Messages become films. A film is what there is of one run: its frames in order, each with its
// numbers, predictions and compressed pictures. Films outlive the views that show them, so a page
// that is left and opened again needs nothing twice.
const KEPT = 6; // films; of the others nothing is left
const films = new Map(); // a run's name -> film, the least recently used first
const headers = new Map(); // a view's key -> the header of its last message
const views = new Map(); // a view's key -> the view that is on the page

function unpack(message) {
  const size = new DataView(message.buffer, message.byteOffset + 4, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(message.subarray(8, 8 + size)));
  if (header.version !== 1) throw new Error(`a live view's message of version ${header.version}`);
  let end = 8 + size;
  const pictures = header.lengths.map((length) => message.slice(end, (end += length)));
  return { header, pictures };
}

function filmOf(name) {
  const film = films.get(name) ?? { frames: [], start: null, exact: null };
  films.delete(name);
  films.set(name, film);
  while (films.size > KEPT) films.delete(films.keys().next().value);
  return film;
}

// Puts a message's frames where they belong: what is there already stays, and where some before
// them are missing they are left out, as all from the first missing one will be sent again.
function file({ header, pictures }) {
  const still = ([picture, low, high]) => ({
    blob: new Blob([pictures[picture]]), low: low ?? 0, high: high ?? 1,
  });
  const missing = {};
  for (const track of header.tracks) {
    const film = filmOf(track.film);
    if (track.start.length) film.start = track.start.map(still);
    const startMissing = track.starts && !film.start;
    if (startMissing || track.first > film.frames.length) {
      missing[track.film] = startMissing ? 0 : film.frames.length;
      continue;
    }
    track.frames.forEach(([at, values, predictions, stills], k) => {
      if (track.first + k !== film.frames.length) return;
      // One whose picture was left out shows the one before it, and what was predicted for that.
      const before = stills.length ? null : film.frames.at(-1);
      film.frames.push({
        at,
        values,
        predictions: before ? before.predictions : predictions,
        stills: before ? before.stills : stills.map(still),
      });
    });
    if (track.exact) film.exact = track.exact.map(still);
  }
  return missing;
}

function receive(message) {
  const unpacked = unpack(message);
  const { header } = unpacked;
  const missing = file(unpacked);
  header.received = performance.now();
  header.bytes = message.length;
  headers.set(header.key, header);
  views.get(header.key)?.receive(header, missing);
}

// The component that carries the messages shares nothing with this one but the page.
const inbox = (globalThis.idealCatInbox ??= { messages: [], open: null });
inbox.open = () => {
  for (const message of inbox.messages.splice(0)) receive(message);
};
inbox.open();
