import { isDatabaseUnavailable, isInstallationFault } from '@signpost/database';
import { formatId, type Logger } from '@signpost/runtime';

/**
 * Writes what follows from a request that was made. Does not give up while Postgres is away or the installation is at
 * fault, however long: a receiver that gets the request again because nobody wrote it down is worse than a place that
 * stays occupied while nothing else can be written either.
 *
 * @throws the driver's error where Postgres is there and refuses this very row
 */
export type Insist = <T>(deliveryId: string, write: () => Promise<T>) => Promise<T>;

const retryEveryMs = 500;

export function createInsist(logger: Logger): Insist {
  let isWaiting = false;
  const tell = (error: unknown, deliveryId: string): void => {
    const fields = { error, delivery_id: formatId('delivery', deliveryId) };
    // Told once for all that wait.
    if (isWaiting) logger.debug(fields, 'outcomes wait for Postgres');
    else if (isDatabaseUnavailable(error)) logger.warn(fields, 'outcomes wait for Postgres');
    else logger.error(fields, 'outcomes wait for Postgres, which refuses them; their places stay occupied');
    isWaiting = true;
  };
  return async (deliveryId, write) => {
    for (;;) {
      try {
        const written = await write();
        isWaiting = false;
        return written;
      } catch (error) {
        if (!isInstallationFault(error)) throw error;
        tell(error, deliveryId);
        await new Promise(resolve => setTimeout(resolve, retryEveryMs));
      }
    }
  };
}
