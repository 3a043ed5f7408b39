/** The view of a topic that can be narrowed, and is not. */
export const WHOLE_VIEW = "all";

/**
 * What tells the view of some params from those of others, the same on every server: two FNV-1a
 * hashes of 32 bits. Who makes two params have the same one harms itself only.
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
