/** A dot around the centre of a picture. */
export interface Dot {
  readonly x: number;
  readonly y: number;
}

/** The distance of the first ring from the centre, and between neighbours. */
export const FIRST_RING = 34;
const SPACING = 15;

/** Returns places for this many dots, in rings around the centre, filled from within. */
export function dotsAround(count: number): Dot[] {
  const dots: Dot[] = [];
  for (let radius = FIRST_RING; dots.length < count; radius += SPACING) {
    const room = Math.floor((2 * Math.PI * radius) / SPACING);
    const here = Math.min(room, count - dots.length);
    for (let at = 0; at < here; at += 1) {
      const angle = (2 * Math.PI * at) / here - Math.PI / 2;
      dots.push({ x: radius * Math.cos(angle), y: radius * Math.sin(angle) });
    }
  }
  return dots;
}
