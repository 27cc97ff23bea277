/** Watches which elements of a scrolling list are truly in sight: half of them, or half of the window they scroll in. */
export interface Sight {
  /** Watches one element; the returned function stops it and reports it out of sight. */
  watch(element: Element, show: (on: boolean) => void): () => void;
  stop(): void;
}

export function watchSight(root: Element): Sight {
  const shows = new Map<Element, (on: boolean) => void>();
  const observer = new IntersectionObserver((changes) => {
    for (const { target, isIntersecting, intersectionRatio, intersectionRect, rootBounds } of changes) {
      const half = rootBounds !== null && intersectionRect.height >= rootBounds.height / 2;
      shows.get(target)?.(isIntersecting && (intersectionRatio >= 0.5 || half));
    }
  }, { root, threshold: [0, 0.25, 0.5, 0.75, 1] });
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
