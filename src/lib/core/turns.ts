/** One thing at a time, in the order asked. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(what: () => Promise<T>): Promise<T> {
    const mine = this.last.then(what, what);
    this.last = mine.catch(() => undefined);
    return mine;
  }
}
