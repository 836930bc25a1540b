/** The part of opossum that the benches call; the package brings no types. */
declare module 'opossum' {
  export interface Options {
    readonly timeout?: number | false;
    readonly resetTimeout?: number;
    readonly errorThresholdPercentage?: number;
    readonly rollingCountTimeout?: number;
    readonly rollingCountBuckets?: number;
    readonly volumeThreshold?: number;
    readonly capacity?: number;
    readonly name?: string;
  }

  export default class CircuitBreaker<Result> {
    constructor(action: () => Promise<Result>, options?: Options);
    fire(): Promise<Result>;
    open(): void;
    shutdown(): void;
  }
}
