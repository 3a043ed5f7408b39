import { computed, onBeforeUnmount, onMounted, ref, shallowRef, watch } from "vue";
import type { ComputedRef, Ref } from "vue";
import { lineAt } from "../../live/devices/row-layout.ts";
import type { Line, RowLayout } from "../../live/devices/row-layout.ts";

/** Lines outside the window that exist all the same, so that scrolling never shows an empty place. */
const SPARE = 6;

export interface VisibleLine {
  readonly line: Line;
  readonly index: number;
  readonly top: number;
}

export interface VirtualLines {
  readonly visible: ComputedRef<readonly VisibleLine[]>;
  /** The first line in the window. */
  readonly first: Readonly<Ref<number>>;
  scrollTo(index: number): void;
}

/** Makes only the lines that can be seen. The window scrolls, as on every other page. */
export function useVirtualLines(
  layout: Readonly<Ref<RowLayout>>,
  place: Readonly<Ref<HTMLElement | undefined>>,
): VirtualLines {
  // Until the place is known, as many as a large screen has.
  const range = shallowRef({ from: 0, to: 40 });
  const first = ref(0);

  const topOfPlace = (): number => place.value?.getBoundingClientRect().top ?? 0;

  function onScroll(): void {
    const top = topOfPlace();
    first.value = top >= 0 ? 0 : lineAt(layout.value, -top);
    const from = Math.max(0, first.value - SPARE);
    const to = lineAt(layout.value, innerHeight - top) + SPARE;
    if (from !== range.value.from || to !== range.value.to) range.value = { from, to };
  }

  onMounted(() => {
    addEventListener("scroll", onScroll, { passive: true });
    addEventListener("resize", onScroll);
    onScroll();
  });
  watch(layout, onScroll, { flush: "post" });
  onBeforeUnmount(() => {
    removeEventListener("scroll", onScroll);
    removeEventListener("resize", onScroll);
  });

  const visible = computed(() => {
    const { lines, tops } = layout.value;
    const { from, to } = range.value;
    return lines.slice(from, to + 1).map((line, offset) => {
      const index = from + offset;
      return { line, index, top: tops[index]! };
    });
  });

  return {
    visible,
    first,
    scrollTo(index) {
      const top = layout.value.tops[Math.min(index, layout.value.lines.length)] ?? 0;
      scrollBy(0, topOfPlace() + top);
    },
  };
}
