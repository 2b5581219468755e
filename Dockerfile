# syntax=docker/dockerfile:1
# Built in one stage, run in another: the image holds the program and what it needs at run time, nothing of the workshop.
FROM node:22-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY schema ./schema
COPY src ./src
COPY web ./web
RUN npm run --silent build && npm prune --omit=dev --ignore-scripts

FROM node:22-slim
# tini is process 1: it hands signals on and collects the processes that servers leave behind.
RUN apt-get update \
  && apt-get install -y --no-install-recommends tini ca-certificates git \
  && rm -rf /var/lib/apt/lists/* \
  && install -d -o node -g node /data /config /home/node/.npm \
  && ln -s /app/dist/main.js /usr/local/bin/holdfast
WORKDIR /app
COPY --from=build /build/package.json ./package.json
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/schema ./schema
COPY LICENSE ./
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    HOLDFAST_DATA_DIR=/data
USER node
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["tini", "--", "holdfast"]
CMD ["serve", "--config", "/config/holdfast.json"]
