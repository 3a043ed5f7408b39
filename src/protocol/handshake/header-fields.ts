/** Headers in the order received, with their names as received. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether `text` is a token. (RFC 9110 §5.6.2) */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Returns the values of all headers with this name, trimmed. `name` is in lower case. */
export function fieldValues(fields: HeaderFields, name: string): string[] {
  const values: string[] = [];
  for (const [candidate, value] of fields) {
    if (candidate.length === name.length && candidate.toLowerCase() === name) {
      values.push(trimmed(value));
    }
  }
  return values;
}

/** Returns the members of a comma-separated list, over all headers with this name. */
export function listMembers(fields: HeaderFields, name: string): string[] {
  const members: string[] = [];
  for (const value of fieldValues(fields, name)) {
    for (const member of value.split(",")) {
      const text = trimmed(member);
      if (text !== "") members.push(text);
    }
  }
  return members;
}

/** Whether the list contains the token, case-insensitively. */
export function hasToken(fields: HeaderFields, name: string, token: string): boolean {
  return listMembers(fields, name).some((member) => member.toLowerCase() === token);
}

/** Whether `value` is valid in a header: no control character, no line break. (RFC 9110 §5.5) */
export function isFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at);
    if ((unit < 0x20 && unit !== 0x09) || unit === 0x7f || unit > 0xff) return false;
  }
  return true;
}

/** Removes spaces and tabs at both ends, in linear time, unlike the obvious regular expression. */
export function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

export function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09;
}
