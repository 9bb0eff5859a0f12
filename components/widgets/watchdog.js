// Requests a rerun when no update has come for too long, and then waits twice as long.
const watched = (globalThis.idealCatWatched ??= new Map());

export default function ({ data: { key, seconds }, parentElement, setTriggerValue }) {
  const { timer, times = 0 } = watched.get(key) ?? {};
  clearTimeout(timer);
  watched.delete(key);
  if (seconds === null) return;
  const wait = (times) => {
    watched.set(key, { times, timer: setTimeout(() => ask(times), 1000 * seconds * 2 ** times) });
  };
  const ask = (times) => {
    if (!parentElement.isConnected) return;
    wait(document.hidden ? times : times + 1);
    if (!document.hidden) setTriggerValue("late", true);
  };
  wait(times);
}
