/** Set to 1, Longwire uses nothing of Node that is not documented. */
const VARIABLE = "LONGWIRE_PUBLIC_API_ONLY";

const areAllowed = process.env[VARIABLE] !== "1";

/** Whether this process may use what Node does not document. */
export function areInternalsAllowed(): boolean {
  return areAllowed;
}
