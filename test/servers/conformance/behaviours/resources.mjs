// The resources of the scenarios: two direct ones, one that is watched, one template.
import { PNG } from './content.mjs';

export const RESOURCES = [
  { uri: 'test://static-text', name: 'static-text', description: 'A static text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'static-binary', description: 'A static image', mimeType: 'image/png' },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'Can be subscribed to',
    mimeType: 'text/plain',
  },
];

export const TEMPLATES = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template-data',
    description: 'Data of one id',
    mimeType: 'application/json',
  },
];

/** @param {string} uri @returns {object | undefined} its content, undefined for a URI that is not ours */
export function read(uri) {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) {
    const data = { id, templateTest: true, data: `Data for ID: ${id}` };
    return { uri, mimeType: 'application/json', text: JSON.stringify(data) };
  }
  switch (uri) {
    case 'test://static-text':
      return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
    case 'test://static-binary':
      return { uri, mimeType: 'image/png', blob: PNG };
    case 'test://watched-resource':
      return { uri, mimeType: 'text/plain', text: 'Watched' };
    default:
      return undefined;
  }
}
