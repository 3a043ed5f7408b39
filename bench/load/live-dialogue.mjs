/**
 * How a subscriber of a contender's live layer speaks; the load generator takes it from the
 * contender's file.
 *
 * @typedef {object} LiveDialogue
 * @property {Partial<import("./connection.mjs").Target>} subscriber where it connects
 * @property {(connection: import("./connection.mjs").LoadConnection, state?: any) => Promise<any>}
 *   subscribe resolves when it is subscribed, with what it needs to resume; with that it resumes
 * @property {(text: string, state: any) => number | undefined} sequenceOf the number in an event,
 *   undefined for another message; notes in `state` what a resume needs
 * @property {Partial<import("./connection.mjs").Target>} control where publishes are asked for
 * @property {(connection: import("./connection.mjs").LoadConnection) => Promise<void>} [openControl]
 * @property {(count: number) => string} publish what is sent there to have so many published
 */

/**
 * @param {string} name of a contender
 * @returns {Promise<LiveDialogue>}
 */
export async function dialogueOf(name) {
  const { default: contender } = await import(`../contenders/${name}.mjs`);
  return contender.live;
}
