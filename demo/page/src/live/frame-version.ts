import { ref } from "vue";
import type { Ref } from "vue";

/** A number that increases at most once per animation frame, however often something changed. */
export class FrameVersion {
  readonly version: Ref<number> = ref(0);
  #frame = 0;

  changed(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.version.value += 1;
    });
  }
}
