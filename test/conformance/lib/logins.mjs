// The `auth/*` scenarios: the mock server is protected, and somebody has to log in. Here that is a browser without a
// person: the address that the gateway gives is fetched, and where it redirects to is fetched too.

/** @typedef {{ base: string, api: (method: string, path: string) => Promise<any> }} ManagedGateway */

const TRIES = 5;
const SETTLE = 10_000;
const POLL = 50;
/** Scenarios in which the one right thing is to refuse; the login has to fail. */
const REFUSED = new Set([
  'auth/resource-mismatch',
  'auth/scope-retry-limit',
  'auth/iss-supported-missing',
  'auth/iss-wrong-issuer',
  'auth/iss-unexpected',
  'auth/iss-normalized',
  'auth/metadata-issuer-mismatch',
]);

/** What an operator would write for this scenario. @param {string} scenario @param {any} context */
export function oauthFor(scenario, context) {
  const { client_id: clientId, client_secret: clientSecret, private_key_pem: privateKey, issuer } = context;
  return {
    allowLoopback: true,
    ...(clientId && { clientId }),
    ...(clientSecret && { clientSecret }),
    ...(privateKey && { privateKey, signingAlgorithm: context.signing_algorithm }),
    ...(issuer && { issuer }),
    ...(scenario.startsWith('auth/client-credentials') && { grant: 'client_credentials' }),
    ...(scenario === 'auth/basic-cimd' && {
      clientMetadataUrl: 'https://conformance-test.local/client-metadata.json',
    }),
  };
}

/**
 * Uses the upstream as a client would, and logs in whenever the gateway says that it has to.
 * @param {string} scenario @param {ManagedGateway} gateway @param {() => Promise<void>} use
 */
export async function driveLogins(scenario, gateway, use) {
  let refused = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const { state, auth } = await settled(gateway);
    if (state === 'needs_auth' || (auth && auth.state !== 'logged_in')) {
      try {
        await logIn(gateway);
      } catch (error) {
        refused = error instanceof Error ? error.message : String(error);
        break;
      }
      await settled(gateway);
    }
    try {
      await use();
      if ((await settled(gateway)).auth?.state === 'logged_in') break;
    } catch (error) {
      // It may have been refused between two looks; then it is logged in again.
      const { state, auth } = await settled(gateway);
      if (state !== 'needs_auth' && auth?.state === 'logged_in') throw error;
    }
  }
  if (REFUSED.has(scenario) && refused === '') throw new Error('the login was not refused');
  if (!REFUSED.has(scenario) && refused !== '') throw new Error(`the login was refused: ${refused}`);
}

/** @param {ManagedGateway} gateway */
async function logIn(gateway) {
  const { url } = await gateway.api('POST', '/upstreams/mock/login');
  const answer = await fetch(url, { redirect: 'manual' });
  const location = answer.headers.get('location');
  if (!location) throw new Error(`the authorization server did not redirect (HTTP ${answer.status})`);
  const page = await fetch(location);
  if (!page.ok) throw new Error(/<p>(.*?)<\/p>/.exec(await page.text())?.[1] ?? `HTTP ${page.status}`);
}

/** The upstream, when it is not on its way any more. @param {ManagedGateway} gateway @returns {Promise<any>} */
async function settled(gateway) {
  const deadline = Date.now() + SETTLE;
  for (;;) {
    const view = await gateway.api('GET', '/upstreams/mock');
    if ((view.state !== 'starting' && view.state !== 'backoff') || Date.now() > deadline) return view;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}
