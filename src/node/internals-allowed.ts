const allowed = process.env["LONGWIRE_PUBLIC_API_ONLY"] !== "1";

/**
 * Says whether what Node does not document may be leaned on, where it is there: yes, unless the
 * environment says `LONGWIRE_PUBLIC_API_ONLY=1`. Read once, when the process starts.
 */
export function areInternalsAllowed(): boolean {
  return allowed;
}
