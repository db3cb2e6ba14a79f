# One image for every service; the command says which. See docker-compose.yml.
FROM node:26-slim

WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY libs libs
COPY services services
COPY tools tools
# The scripts of packages are not needed: what runs here comes as prebuilt binaries inside the packages.
RUN npm ci --omit=dev --ignore-scripts && npm cache clean --force

USER node
ENV NODE_ENV=production
CMD ["node", "services/gateway/src/main.ts"]
