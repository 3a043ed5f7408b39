import { expect, test } from "vitest";
import {
  nextDiskPhase,
  type DiskEvent,
  type DiskPhase,
} from "../../../src/brokers/disk/disk-phase.ts";

test.each<[DiskPhase, DiskEvent, DiskPhase]>([
  ["opening", "followed", "open"],
  ["opening", "unused", "opening"],
  ["opening", "released", "opening"],
  ["open", "followed", "open"],
  ["open", "unused", "releasing"],
  ["open", "released", "open"],
  ["releasing", "followed", "releasing"],
  ["releasing", "unused", "releasing"],
  ["releasing", "released", "open"],
])("a topic that is %s and %s is %s", (phase, event, next) => {
  expect(nextDiskPhase(phase, event)).toBe(next);
});
