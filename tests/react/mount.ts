import { act, createElement, StrictMode, type FunctionComponent } from "react";
import { onTestFinished, vi } from "vitest";

/** As much of a page as React needs for components that draw nothing. */
function emptyPage(): Element {
  const document = Object.assign(new EventTarget(), {
    nodeType: 9,
    activeElement: null,
    body: null,
  });
  // Frames are looked for to keep the focus where it is.
  const window = Object.assign(new EventTarget(), { document, HTMLIFrameElement: Event });
  Object.assign(document, { defaultView: window });
  vi.stubGlobal("window", window);
  const container = Object.assign(new EventTarget(), { nodeType: 1, ownerDocument: document });
  return Object.assign(container, { nodeName: "DIV", tagName: "DIV" }) as unknown as Element;
}

/** A component in a page: what its hook returned each time it was rendered. */
export interface Mounted<Props, Result> {
  readonly results: Result[];
  readonly last: Result;
  render(props: Props): Promise<void>;
  /** Lets something happen, and React act on it. */
  act(happen: () => Promise<unknown>): Promise<void>;
  unmount(): Promise<void>;
}

/** Mounts a component that uses a hook; it is gone when the test is over. */
export async function mount<Props extends object, Result>(
  use: (props: Props) => Result,
  first: Props,
  { isStrict = false }: { isStrict?: boolean } = {},
): Promise<Mounted<Props, Result>> {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  const container = emptyPage();
  // It looks for a window when it is loaded.
  const { createRoot } = await import("react-dom/client");
  const root = createRoot(container);
  const results: Result[] = [];
  const Component: FunctionComponent<Props> = (props) => {
    results.push(use(props));
    return null;
  };
  const render = (props: Props): Promise<void> => {
    const element = createElement(Component, props);
    const page = isStrict ? createElement(StrictMode, null, element) : element;
    return act(async () => root.render(page));
  };
  const unmount = (): Promise<void> => act(async () => root.unmount());
  onTestFinished(async () => {
    await unmount();
    vi.unstubAllGlobals();
  });
  await render(first);
  return {
    results,
    get last() {
      return results.at(-1)!;
    },
    render,
    act: (happen) => act(async () => void (await happen())),
    unmount,
  };
}
