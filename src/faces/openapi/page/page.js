// Runs in the browser: shows the document and sends the key that somebody types, which stays in this page's memory.
/* global SwaggerUIBundle */
const place = document.getElementById('docs');
const form = document.getElementById('key-form');
let key = '';

const ui = SwaggerUIBundle({
  domNode: place,
  url: place.dataset.spec,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor(request) {
    if (key !== '' && request.headers.Authorization === undefined) request.headers.Authorization = `Bearer ${key}`;
    return request;
  },
});

form?.addEventListener('submit', (event) => {
  event.preventDefault();
  key = document.getElementById('key').value.trim();
  document.getElementById('key-state').textContent =
    key === '' ? 'no key is sent' : 'sent with every call of this page';
  if (ui.specSelectors.specStr() === '') ui.specActions.download();
});
