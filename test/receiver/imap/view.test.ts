/**
 * Sequence numbers: a table of what is told when, and a model. The model is a client that believes only what it is told and
 * several sessions that change one mailbox at random; at every point of agreement its picture must be the mailbox.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { View } from '../../../receiver/imap/view.ts';

const none = { added: [], expunged: [], flags: [] };

function viewOf(...uids: number[]): View {
  return new View(Uint32Array.from(uids));
}

describe('a view', () => {
  test('numbers what it was given', () => {
    const view = viewOf(3, 5, 9);
    expect([view.size, view.uidAt(1), view.uidAt(3), view.uidAt(0), view.uidAt(4)]).toEqual([3, 3, 9, undefined, undefined]);
    expect([view.sequenceOf(5), view.sequenceOf(4), view.sequenceOf(10)]).toEqual([2, 0, 0]);
  });

  test('keeps the old numbers until it may tell', () => {
    const view = viewOf(1, 2, 3);
    view.apply({ ...none, expunged: [2] });
    expect(view.sequenceOf(3)).toBe(3);
    expect(view.take(false)).toEqual({ expunged: [], expungedUids: [], exists: null, flags: [] });
    expect(view.sequenceOf(3)).toBe(3);
    expect(view.take(true)).toEqual({ expunged: [2], expungedUids: [2], exists: null, flags: [] });
    expect(view.sequenceOf(3)).toBe(2);
  });

  test('tells expunged messages from the last to the first', () => {
    const view = viewOf(1, 2, 3, 4, 5);
    view.apply({ ...none, expunged: [1, 3, 5] });
    expect(view.take(true).expunged).toEqual([5, 3, 1]);
    expect([...view.uids]).toEqual([2, 4]);
  });

  test('counts what waits to be expunged as long as it has not been told', () => {
    const view = viewOf(1, 2);
    view.apply({ ...none, expunged: [1], added: [3] });
    expect(view.take(false).exists).toBe(3);
    expect(view.take(true).expunged).toEqual([1]);
    expect([...view.uids]).toEqual([2, 3]);
  });

  test('never mentions what came and went unseen', () => {
    const view = viewOf(1);
    view.apply({ ...none, added: [2, 3] });
    view.apply({ ...none, expunged: [2] });
    view.apply({ ...none, flags: [2, 3] });
    expect(view.take(true)).toEqual({ expunged: [], expungedUids: [], exists: 2, flags: [] });
    expect([...view.uids]).toEqual([1, 3]);
  });

  test('does not tell flags of what is gone, nor twice', () => {
    const view = viewOf(1, 2, 3);
    view.apply({ ...none, flags: [1, 2, 3] });
    view.apply({ ...none, expunged: [2] });
    view.flagsTold(3);
    expect(view.take(false).flags).toEqual([1]);
    expect(view.take(false).flags).toEqual([]);
  });

  test('ignores an addition it knows already', () => {
    const view = viewOf(1, 2);
    view.apply({ ...none, added: [2, 3] });
    view.apply({ ...none, added: [3] });
    expect(view.take(true).exists).toBe(3);
  });
});

/** A mailbox everybody agrees on, and a client's picture of it. */
class Model {
  readonly mailbox = new Map<number, number>();
  #uidnext = 1;
  readonly view: View;
  /** What the client believes, by sequence number; null: flags not known. */
  believed: { uid: number; version: number | null }[];

  constructor(messages: number) {
    for (let count = 0; count < messages; count += 1) this.#add();
    this.view = new View(Uint32Array.from(this.mailbox.keys()));
    this.believed = [...this.mailbox].map(([uid, version]) => ({ uid, version }));
  }

  append(count: number): void {
    this.view.apply({ ...none, added: Array.from({ length: count }, () => this.#add()) });
  }

  expunge(picks: number[]): void {
    const uids = this.#pick(picks);
    for (const uid of uids) this.mailbox.delete(uid);
    this.view.apply({ ...none, expunged: uids });
  }

  change(picks: number[]): void {
    const uids = this.#pick(picks);
    for (const uid of uids) this.mailbox.set(uid, (this.mailbox.get(uid) ?? 0) + 1);
    this.view.apply({ ...none, flags: uids });
  }

  /** Untagged responses, applied as naively as a client does it. */
  tell(expunge: boolean): void {
    const { expunged, exists, flags } = this.view.take(expunge);
    for (const sequence of expunged) {
      expect(this.believed[sequence - 1]).toBeDefined();
      this.believed.splice(sequence - 1, 1);
    }
    // A client learns the UID and flags of new messages by asking; the view must give the same numbers.
    while (exists !== null && this.believed.length < exists) {
      const uid = this.view.uidAt(this.believed.length + 1) ?? 0;
      this.believed.push({ uid, version: this.mailbox.get(uid) ?? null });
      this.view.flagsTold(uid);
    }
    for (const uid of flags) {
      const entry = this.believed[this.view.sequenceOf(uid) - 1];
      expect(entry?.uid).toBe(uid);
      if (entry) entry.version = this.mailbox.get(uid) ?? null;
    }
  }

  /** The client's numbers are the view's at any time. */
  agreesOnNumbers(): void {
    expect(this.believed.map(({ uid }) => uid)).toEqual([...this.view.uids]);
  }

  #add(): number {
    const uid = this.#uidnext;
    this.#uidnext += 1;
    this.mailbox.set(uid, 0);
    return uid;
  }

  #pick(picks: number[]): number[] {
    const uids = [...this.mailbox.keys()];
    return [...new Set(picks.map((pick) => uids[pick % Math.max(uids.length, 1)]))]
      .filter((uid) => uid !== undefined)
      .sort((a, b) => a - b);
  }
}

test('a client that believes what it is told has the mailbox before its eyes', () => {
  const picks = fc.array(fc.nat(50), { minLength: 1, maxLength: 5 });
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant('expunge' as const), picks }),
    fc.record({ kind: fc.constant('change' as const), picks }),
    fc.record({ kind: fc.constant('tell' as const), expunge: fc.boolean() }),
  );
  fc.assert(
    fc.property(fc.nat(10), fc.array(operation, { maxLength: 40 }), (messages, operations) => {
      const model = new Model(messages);
      for (const step of operations) {
        if (step.kind === 'append') model.append(step.count);
        else if (step.kind === 'tell') model.tell(step.expunge);
        else model[step.kind](step.picks);
        model.agreesOnNumbers();
      }
      model.tell(true);
      expect(model.believed).toEqual([...model.mailbox].map(([uid, version]) => ({ uid, version })));
    }),
    { numRuns: 1000 },
  );
});
