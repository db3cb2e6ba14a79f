import type { Logger } from '@morag/telemetry';

/** One line when all servers begin to fail at once and one when that ends, however many there are. */
export function createPanicAlarm(logger: Logger): (unsure: number) => void {
  let isOn = false;
  return (unsure) => {
    if (unsure > 0 && !isOn) logger.error({ unsure }, 'all servers fail at once: the fault is taken to be ours');
    if (unsure === 0 && isOn) logger.info('servers answer again');
    isOn = unsure > 0;
  };
}
