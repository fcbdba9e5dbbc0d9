# One image for the programs of Signpost; the command says which one runs:
#   node scripts/migrate.ts              applies the migrations and ends
#   node apps/api/src/main.ts            the HTTP API (the default)
#   node apps/dispatcher/src/main.ts     fan-out and delivery; run as many as you like
#   node apps/queue-page/src/main.ts     a page that shows the queues, if you want one
#   node scripts/audit.ts                compares what was accepted with what was made of it, and ends
#   node scripts/rotate-encryption-key.ts   seals stored secrets with the first encryption key and ends
# Node runs the TypeScript sources as they are: nothing is compiled but the Prisma client.

FROM node:24-slim AS manifests
WORKDIR /app
# Manifests before sources: a changed source leaves the installed dependencies in the build cache.
COPY package.json package-lock.json .npmrc ./
COPY apps/api/package.json apps/api/
COPY apps/demo-receiver/package.json apps/demo-receiver/
COPY apps/dispatcher/package.json apps/dispatcher/
COPY apps/queue-page/package.json apps/queue-page/
COPY packages/api-schema/package.json packages/api-schema/
COPY packages/client/package.json packages/client/
COPY packages/contracts/package.json packages/contracts/
COPY packages/database/package.json packages/database/
COPY packages/delivery/package.json packages/delivery/
COPY packages/queue/package.json packages/queue/
COPY packages/runtime/package.json packages/runtime/
COPY packages/stores/package.json packages/stores/
COPY packages/testing/package.json packages/testing/
COPY packages/transport/package.json packages/transport/

# The Prisma client. No script of a dependency runs: the image has its own Node, and `generate` needs no engine.
FROM manifests AS generated
RUN npm ci --ignore-scripts
COPY prisma.config.ts ./
COPY prisma prisma
RUN node node_modules/prisma/build/index.js generate

# What the programs need when they run, and nothing else. `--omit=optional` leaves out Prisma's command line and
# TypeScript, optional peers of @prisma/client (130 MB instead of 380); nothing that runs here needs an optional package.
FROM manifests AS dependencies
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
      --workspace=@signpost/api --workspace=@signpost/dispatcher --workspace=@signpost/queue-page --workspace=@signpost/stores \
 && npm cache clean --force

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=generated /app/packages/database/src/generated packages/database/src/generated
COPY prisma/migrations prisma/migrations
COPY scripts/migrate.ts scripts/rotate-encryption-key.ts scripts/audit.ts scripts/
COPY scripts/audit scripts/audit
COPY packages packages
COPY apps apps
USER node
CMD ["node", "apps/api/src/main.ts"]
