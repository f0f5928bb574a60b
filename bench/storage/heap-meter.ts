import { GCProfiler, getHeapStatistics } from "node:v8";

/** What a process did with its memory during a measurement. */
export interface MemoryUse {
  /** Bytes that it allocated in the JavaScript heap. Buffers that lie outside of it do not count. */
  readonly heapBytes: number;
  /** How often the garbage collector ran. */
  readonly collections: number;
}

/** Measures the memory use of this process, from the moment that it was made. */
export interface HeapMeter {
  /** Ends the measurement. */
  stop(): MemoryUse;
}

/**
 * Starts a measurement. Node counts no allocations; what was allocated is what the heap has grown by, and what the
 * collector has freed meanwhile.
 *
 * @param foldMs how often the profiler's records, of some 3 kB for each collection, are added up and let go
 */
export function startHeapMeter(foldMs = 10_000): HeapMeter {
  let heapBytes = 0;
  let collections = 0;
  let part = startPart();
  const fold = () => {
    const stopped = part.stop();
    heapBytes += stopped.heapBytes;
    collections += stopped.collections;
  };
  const timer = setInterval(() => {
    fold();
    part = startPart();
  }, foldMs);
  return {
    stop: () => {
      clearInterval(timer);
      fold();
      // A sweep that was under way at the start can free more than a short measurement has allocated.
      return { heapBytes: Math.max(heapBytes, 0), collections };
    },
  };
}

/** Steps on the way of a collection, which have records of their own. */
const steps = new Set(["IncrementalMarking", "ProcessWeakCallbacks"]);

function startPart(): { stop(): MemoryUse } {
  const profiler = new GCProfiler();
  profiler.start();
  const before = getHeapStatistics().used_heap_size;
  return {
    stop: () => {
      const grown = getHeapStatistics().used_heap_size - before;
      const { statistics } = profiler.stop();
      const freed = statistics.map(
        ({ beforeGC, afterGC }) => beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize,
      );
      return {
        heapBytes: freed.reduce((sum, bytes) => sum + bytes, grown),
        collections: statistics.filter(({ gcType }) => !steps.has(gcType)).length,
      };
    },
  };
}
