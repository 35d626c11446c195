import * as pulumi from "@pulumi/pulumi";

/**
 * What the training step has printed of the time from the first login on the machine to the first line of training,
 * seconds; null = nothing. It is no secret, though the step that printed it is.
 */
export function secondsToFirstLine(printed: pulumi.Output<string>): pulumi.Output<number | null> {
  return pulumi.unsecret(printed).apply(secondsIn);
}

/** undefined in a preview, before anything was printed. */
export function secondsIn(printed: string | undefined): number | null {
  const [, milliseconds] = /^training: first line (\d{1,12}) ms after the first login$/m.exec(printed ?? "") ?? [];
  return milliseconds === undefined ? null : Number(milliseconds) / 1000;
}
