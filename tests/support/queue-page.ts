/** All that a queue page shows: its pages, and what they ask for, which is every queue with its jobs and every job. */
export async function everythingOnQueuePage(url: string): Promise<string> {
  let text = '';
  const read = async (path: string): Promise<string> => {
    const answer = await fetch(url + path);
    const answered = await answer.text();
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${answered}`);
    text += answered;
    return answered;
  };
  for (const path of ['/', '/api/queues', '/api/redis/stats', '/api/job-schedulers']) await read(path);
  for (const queue of ['fan-out', 'deliver']) {
    await read(`/queue/${queue}`);
    const { queues } = JSON.parse(await read(`/api/queues?activeQueue=${queue}&jobsPerPage=100`));
    const { jobs } = queues.find(({ name }: { name: string }) => name === queue);
    for (const { id } of jobs)
      for (const path of ['', '/logs', '/flow']) await read(`/api/queues/${queue}/${encodeURIComponent(id)}${path}`);
  }
  return text;
}
