/** The step of the load generator, for the message when it hangs there. */
export const stage = { text: "nothing" };

/** Before the parent's own deadline, which knows less. */
const HANGS_MS = 45_000;

/** @returns {Promise<any>} what `work` resolves to; rejects with the stage when it takes too long */
export async function withStage(text, work) {
  stage.text = text;
  let timer;
  const hang = new Promise((_, reject) => {
    const late = () =>
      reject(new Error(`it hangs: ${HANGS_MS / 1000} s and still at: ${stage.text}`));
    timer = setTimeout(late, HANGS_MS);
  });
  try {
    return await Promise.race([work(), hang]);
  } finally {
    clearTimeout(timer);
  }
}
