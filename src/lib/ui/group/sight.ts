/** Watches which elements of a scrolling list are truly in sight: half of them, or half of the window they scroll in, which over a keyboard has to be more than a sliver. */
export interface Sight {
  /** Watches one element; the returned function stops it and reports it out of sight. */
  watch(element: Element, show: (on: boolean) => void): () => void;
  stop(): void;
}

/** Pixels of a tall element that have to be in sight while one writes: over a keyboard a window can be so low that it holds the last line alone. */
const SLIVER = 160;
/** Who reads in a low window, as at a large zoom, reads line by line. */
const least = (): number => (document.activeElement?.matches('textarea, input') === true ? SLIVER : 1);
/** Parts of an element at which it is looked at anew: of one that is many windows tall only small parts are ever in sight. */
const STEPS = Array.from({ length: 101 }, (_, n) => n / 100);

export function watchSight(root: Element): Sight {
  const shows = new Map<Element, (on: boolean) => void>();
  const observer = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting, intersectionRatio, intersectionRect, rootBounds } of changes) {
      const half = rootBounds !== null && intersectionRect.height >= Math.max(least(), rootBounds.height / 2);
      shows.get(target)?.(isIntersecting && (intersectionRatio >= 0.5 || half));
    }
  }, { root, threshold: STEPS });
  return {
    watch(element, show) {
      shows.set(element, show);
      observer.observe(element);
      return () => {
        shows.delete(element);
        observer.unobserve(element);
        show(false);
      };
    },
    stop() { observer.disconnect(); }
  };
}
