/** A `Registry` of prom-client's, told by what it has: a program without prom-client can compile against these types. */
export interface MetricRegistry {
  getSingleMetric(name: string): unknown;
  registerMetric(metric: never): void;
}
