/** Data outside a component that the component shows and follows. */
export interface Source<View> {
  /** Returns the newest view: the same object until something changes. */
  view: () => View;
  /**
   * Calls `onChange` after changes of the view.
   *
   * @returns a function that stops it; `onChange` is not called afterwards
   */
  follow: (onChange: () => void) => () => void;
}
