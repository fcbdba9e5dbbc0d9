const TIMEOUT_MS = 10_000;

/** Whether the API refuses this key, which it was given at its start: then the key was revoked. Any other answer says no. */
export async function isRevoked(apiUrl: string, apiKey: string): Promise<boolean> {
  try {
    const response = await fetch(`${apiUrl}/v1/event-types?limit=1`, {
      // Not kept alive: nothing of this question stays open between the two processes.
      headers: { authorization: `Bearer ${apiKey}`, connection: 'close' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status === 401;
  } catch {
    // An API that does not answer is another matter, and says so itself.
    return false;
  }
}
