import { describe, expect, test } from "vitest";
import { HolderAccount, Ledger, type Payer } from "../../../src/base/index.ts";

/** Opens an account whose owner records its eviction. */
function open(payer: Payer): { account: HolderAccount; readonly isEvicted: boolean } {
  const owner = { isEvicted: false, onEvicted: () => void (owner.isEvicted = true) };
  return {
    account: new HolderAccount(payer, owner),
    get isEvicted() {
      return owner.isEvicted;
    },
  };
}

const limits = { budgetBytes: 10_000, shareBytes: 1_000 };

describe("a payer's share", () => {
  test("a charge counts for the payer and the process, and a refund reverses it", () => {
    const ledger = new Ledger(limits);
    const { account } = open(ledger.payer("ann"));
    expect(account.charge(600)).toBe(true);
    expect([account.heldBytes, ledger.payer("ann").heldBytes, ledger.heldBytes]).toEqual([
      600, 600, 600,
    ]);
    account.refund(200);
    expect([account.heldBytes, ledger.payer("ann").heldBytes, ledger.heldBytes]).toEqual([
      400, 400, 400,
    ]);
  });

  test("all accounts of a payer share one limit, and a charge beyond it is refused", () => {
    const ledger = new Ledger(limits);
    const [first, second] = [open(ledger.payer("ann")), open(ledger.payer("ann"))];
    expect(first.account.charge(600)).toBe(true);
    expect(second.account.charge(600)).toBe(false);
    expect(second.account.heldBytes).toBe(0);
    expect(ledger.heldBytes).toBe(600);
    expect(first.isEvicted).toBe(false);
    expect(open(ledger.payer("bob")).account.charge(600)).toBe(true);
  });

  test("the largest holder of a payer is evicted first when a smaller one needs the share", () => {
    const ledger = new Ledger(limits);
    const [large, middle, small] = [1, 2, 3].map(() => open(ledger.payer("ann")));
    large!.account.charge(600);
    middle!.account.charge(300);
    expect(small!.account.charge(200)).toBe(true);
    expect([large!.isEvicted, middle!.isEvicted]).toEqual([true, false]);
    expect(ledger.payer("ann").heldBytes).toBe(500);
  });

  test("a charge that would make its holder the largest is refused, without an eviction", () => {
    const ledger = new Ledger(limits);
    const [first, second] = [open(ledger.payer("ann")), open(ledger.payer("ann"))];
    first.account.charge(500);
    second.account.charge(400);
    expect(second.account.charge(200)).toBe(false);
    expect(first.isEvicted).toBe(false);
  });

  test("a charge for something that outlives connections does not evict any", () => {
    const ledger = new Ledger(limits);
    const connection = open(ledger.payer("ann"));
    connection.account.charge(900);
    expect(ledger.payer("ann").charge(200)).toBe(false);
    expect(connection.isEvicted).toBe(false);
  });

  test("an evicted or closed account has refunded everything, and accepts no charges", () => {
    const ledger = new Ledger(limits);
    const { account } = open(ledger.payer("ann"));
    account.charge(700);
    account.close();
    account.refund(700);
    expect([account.charge(1), ledger.heldBytes]).toEqual([false, 0]);
  });
});

describe("the budget of the process", () => {
  test("the payer that holds most is evicted first, not the most recent one", () => {
    const ledger = new Ledger({ budgetBytes: 1_000, shareBytes: 900 });
    const [large, small] = [open(ledger.payer("ann")), open(ledger.payer("bob"))];
    large.account.charge(800);
    small.account.charge(100);
    const last = open(ledger.payer("eve"));
    expect(last.account.charge(200)).toBe(true);
    expect([large.isEvicted, small.isEvicted]).toEqual([true, false]);
  });

  test("a charge that would make its payer the largest is refused", () => {
    const ledger = new Ledger({ budgetBytes: 1_000, shareBytes: 900 });
    const large = open(ledger.payer("ann"));
    large.account.charge(500);
    expect(open(ledger.payer("bob")).account.charge(600)).toBe(false);
    expect(large.isEvicted).toBe(false);
  });

  test("caches are dropped before anything is evicted", () => {
    const ledger = new Ledger({ budgetBytes: 1_000, shareBytes: 900 });
    const cache = { bytes: 600, drop: () => void (cache.bytes = 0) };
    ledger.addCache(cache);
    const ann = open(ledger.payer("ann"));
    expect(ann.account.charge(300)).toBe(true);
    expect(cache.bytes).toBe(600);
    expect(ann.account.charge(500)).toBe(true);
    expect([ann.isEvicted, cache.bytes, ledger.heldBytes]).toEqual([false, 0, 800]);
  });

  test("memory for topics never evicts ordinary clients", () => {
    const ledger = new Ledger({ budgetBytes: 1_600, shareBytes: 1_600 });
    const ordinary = open(ledger.payer("ann"));
    ordinary.account.charge(90);
    ledger.common.charge(1_500);
    expect(ledger.common.charge(100)).toBe(false);
    expect(ordinary.isEvicted).toBe(false);
  });
});

describe("the lifetime of payers", () => {
  test("a payer ends when it has no members and holds nothing", () => {
    const ledger = new Ledger(limits);
    const { account } = open(ledger.payer("ann"));
    ledger.payer("ann").charge(10);
    account.close();
    expect([...ledger.payers].map(({ name }) => name)).toEqual(["ann"]);
    ledger.payer("ann").refund(10);
    expect([...ledger.payers]).toEqual([]);
  });

  test("an account that moves transfers its charges", () => {
    const ledger = new Ledger(limits);
    const { account } = open(ledger.payer("address"));
    account.charge(400);
    expect(account.moveTo(ledger.payer("ann"))).toBe(true);
    expect([...ledger.payers].map(({ name, heldBytes }) => [name, heldBytes])).toEqual([
      ["ann", 400],
    ]);
  });

  test("an account cannot move to a payer without room for it", () => {
    const ledger = new Ledger(limits);
    ledger.payer("ann").charge(900);
    const { account } = open(ledger.payer("address"));
    account.charge(400);
    expect(account.moveTo(ledger.payer("ann"))).toBe(false);
    expect(account.payer?.name).toBe("address");
  });

  test("a payer has room while it has fewer connections than the limit", () => {
    const ledger = new Ledger({ ...limits, maxConnectionsPerPayer: 2 });
    open(ledger.payer("ann"));
    open(ledger.payer("ann"));
    expect(ledger.hasPlace(ledger.payer("ann"))).toBe(true);
    open(ledger.payer("ann"));
    expect(ledger.hasPlace(ledger.payer("ann"))).toBe(false);
  });

  test.each([0, -1, 1.5, "1"])("a limit of %s is rejected", (budgetBytes) => {
    expect(() => new Ledger({ budgetBytes: budgetBytes as number })).toThrow(
      expect.objectContaining({ code: "invalid_limit" }),
    );
  });
});
