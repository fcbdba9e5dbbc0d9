import { buildOpenApiDocument, operations } from '@signpost/api-schema';
import { answerText } from '../../middleware/write-answer.ts';
import { type Route, route } from '../../routing.ts';

/** @param version of the software */
export const openApiRoutes = (version: string): Route[] => {
  const document = JSON.stringify(buildOpenApiDocument(version));
  return [route(operations.getOpenApi, () => answerText(200, 'application/json; charset=utf-8', document))];
};
