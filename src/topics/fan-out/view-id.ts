/** The view of a topic that can be narrowed but is not. */
export const WHOLE_VIEW = "all";

/**
 * Returns an id that is the same for equal params on every server: two 32-bit FNV-1a hashes. A
 * client that provokes a collision harms only itself.
 */
export function viewId(params: string): string {
  let one = 0x811c9dc5;
  let other = 0x01234567;
  for (let at = 0; at < params.length; at += 1) {
    const unit = params.charCodeAt(at);
    one = Math.imul(one ^ unit, 0x01000193);
    other = Math.imul(other ^ unit ^ (one >>> 13), 0x01000193);
  }
  return (one >>> 0).toString(36) + (other >>> 0).toString(36);
}
