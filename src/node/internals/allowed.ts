/** If set to 1, Longwire uses only documented parts of Node. */
const VARIABLE = "LONGWIRE_PUBLIC_API_ONLY";

const areAllowed = process.env[VARIABLE] !== "1";

/** Whether this process may use undocumented parts of Node. */
export function areInternalsAllowed(): boolean {
  return areAllowed;
}
