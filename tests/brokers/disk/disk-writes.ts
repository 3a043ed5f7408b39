import { ClassicLevel } from "classic-level";
import { vi, type MockInstance } from "vitest";

const write = Reflect.get(ClassicLevel.prototype, "batch") as (...args: any[]) => Promise<void>;

/** Sees the writes of all stores, until all mocks are restored. */
export function watchWrites(): MockInstance<ClassicLevel["batch"]> {
  return vi.spyOn(ClassicLevel.prototype, "batch");
}

/** Holds the next write back until `letGo` is called. */
export function holdNextWrite(): { isHeld: () => boolean; letGo: () => void } {
  let letGo: (() => void) | undefined;
  watchWrites().mockImplementationOnce(async function (this: ClassicLevel, ...args: any[]) {
    await new Promise<void>((resolve) => (letGo = resolve));
    return write.apply(this, args);
  } as any);
  return { isHeld: () => letGo !== undefined, letGo: () => letGo?.() };
}

/** Fails the next write, having written it or not, as a failed fsync may leave it. */
export function failNextWrite({ isWritten }: { isWritten: boolean }): void {
  watchWrites().mockImplementationOnce(async function (this: ClassicLevel, ...args: any[]) {
    if (isWritten) await write.apply(this, args);
    throw Object.assign(new Error("IO error: 000003.log: Input/output error"), {
      code: "LEVEL_IO_ERROR",
    });
  } as any);
}
