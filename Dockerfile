# The command `tradetape` as an image: `npm run image` builds it, docs/deploy.md says how it is run.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No package's script runs: none that the image has needs one.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.ts && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/package.json /build/LICENSE ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN ln -s /app/dist/src/cli/main.js /usr/local/bin/tradetape
# The image's own user `node`, by its number, which Kubernetes can see not to be root's. Nothing in the image is his, and
# nothing has to be: what runs writes to no file but for temporary ones.
USER 1000:1000
# A signal reaches Node itself: it starts no processes that somebody would have to collect.
ENTRYPOINT ["node", "/app/dist/src/cli/main.js"]
CMD ["--help"]
# Of what is asked about itself by --http; a command that ends by itself is over before the first look. Without a
# blank, at which Podman would cut the script.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9464/live').then(a=>process.exit(a.ok?0:1),()=>process.exit(1))"]
