// The lab's program, away from the page's thread: a long run does not freeze
// the page, and ending the worker ends the run.
importScripts("wasm_exec.js");

const ready = (async () => {
  const go = new Go();
  const { instance } = await WebAssembly.instantiateStreaming(fetch("lab.wasm"), go.importObject);
  go.run(instance); // returns when the program waits for requests
})();

onmessage = async ({ data: { id, request } }) => {
  try {
    await ready;
    postMessage({ id, answer: await sockeyeLab(request) });
  } catch (e) {
    postMessage({ id, answer: { error: String(e), what: "" } });
  }
};
