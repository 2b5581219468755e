// `storage.shared`: the store that several gateways share, as a person writes it.
import * as z from 'zod';

const address = z
  .string()
  .regex(/^rediss?:\/\/.+/, 'expected redis://host:port, or rediss:// for TLS')
  .describe('redis://[user:password@]host[:port][/db], or rediss:// for TLS.');

export const sharedSchema = z
  .union([
    address,
    z.strictObject({
      url: z
        .union([address, z.array(address).min(1)])
        .describe(
          'The store; several addresses are the nodes of a Cluster, or the Sentinels where `sentinel` is given.',
        ),
      sentinel: z.string().min(1).optional().describe('Name of the group that the Sentinels watch.'),
      cluster: z.boolean().prefault(false).describe('A Redis Cluster, of which `url` names a node or more.'),
      username: z.string().min(1).optional().describe('User of the access control list; better than in the address.'),
      password: z.string().min(1).optional().describe('Its password.'),
      tls: z
        .strictObject({
          ca: z.string().min(1).optional().describe('File with the certificates to trust.'),
          cert: z.string().min(1).optional().describe('File with a certificate of our own.'),
          key: z.string().min(1).optional().describe('File with its key.'),
          servername: z.string().min(1).optional().describe('Name to expect in its certificate.'),
        })
        .optional()
        .describe('TLS beyond what rediss:// says.'),
      prefix: z
        .string()
        .regex(/^[\w:.-]{1,64}$/, 'expected letters, digits, - _ . :')
        .prefault('holdfast')
        .describe('Begins the names of all keys; gateways with one prefix are one service.'),
      advertise: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('Address under which the other gateways reach this one; by default its host name and port.'),
    }),
  ])
  .describe('Redis 6.2 or later, or Valkey, that several gateways share; absent: this gateway is alone.');

export type SharedConfig = Exclude<z.output<typeof sharedSchema>, string>;

/** With all defaults, whichever way it was written. */
export function sharedOf(shared: z.output<typeof sharedSchema>): SharedConfig {
  return typeof shared === 'string' ? { url: shared, cluster: false, prefix: 'holdfast' } : shared;
}
