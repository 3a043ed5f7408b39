/** The kinds of frames. (RFC 6455 §5.2, §11.8) */
export const Opcode = {
  Continuation: 0x0,
  Text: 0x1,
  Binary: 0x2,
  Close: 0x8,
  Ping: 0x9,
  Pong: 0xa,
} as const;

export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/**
 * Whether the frame is a control frame: those have the high bit of the opcode set. (RFC 6455 §5.5)
 */
export function isControl(opcode: number): boolean {
  return (opcode & 0x8) !== 0;
}

/**
 * Whether the opcode is defined. 3–7 and 0xB–0xF are reserved; using them is a violation. (RFC 6455
 * §5.2)
 */
export function isKnownOpcode(opcode: number): opcode is Opcode {
  return opcode <= Opcode.Binary || (opcode >= Opcode.Close && opcode <= Opcode.Pong);
}
