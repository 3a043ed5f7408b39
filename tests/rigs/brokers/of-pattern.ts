import type { Broker, TopicDeclaration } from "../../../src/live/index.ts";

/** The declaration of a topic whose name came from a pattern. */
export function ofPattern<Declaration extends TopicDeclaration>(
  declaration: Declaration,
): Declaration {
  return { ...declaration, pattern: ":name" };
}

/** A broker whose topics all match a pattern: they are created only at the first publish. */
export function forPatterns(broker: Broker): Broker {
  return {
    get isAway() {
      return broker.isAway ?? false;
    },
    openTopic: (declaration, ...rest) => broker.openTopic(ofPattern(declaration), ...rest),
    close: () => broker.close(),
  };
}
