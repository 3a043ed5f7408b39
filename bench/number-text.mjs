/**
 * @param {number} value
 * @param {number} [digits] after the point; default: three digits that count
 */
export function numberText(value, digits) {
  if (value === undefined || !Number.isFinite(value)) return "–";
  const places = digits ?? Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  });
}

/** A ratio, with the digits that matter. */
export function ratioText(value) {
  return numberText(value, value < 0.2 ? 3 : 2);
}
