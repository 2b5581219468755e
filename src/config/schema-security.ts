// Whether servers and tools need somebody's approval before they are used, and what is looked at (requirements 10.21).
import * as z from 'zod';

export const securitySchema = z
  .strictObject({
    approval: z
      .enum(['off', 'changed', 'new'])
      .prefault('off')
      .describe(
        '`changed`: what is seen first is trusted; a tool, prompt, resource or instruction that is not what it was is neither listed nor used, and a server whose command, arguments, variables or address have changed is not started, until somebody approves it. `new`: likewise servers that are added over the API or the dashboard, and what comes later.',
      ),
    scanner: z
      .boolean()
      .prefault(false)
      .describe(
        'Look for hidden characters and for orders to the model in what servers say of themselves and their tools; shown in the diagnostics. With `approval` it waits until somebody approves it.',
      ),
    confirm: z
      .enum(['off', 'declared', 'presumed'])
      .prefault('off')
      .describe(
        'Have a person confirm calls of destructive tools, asked through the client (elicitation); a client that cannot ask is refused. `declared`: tools that say `destructiveHint: true`. `presumed`: also those that say neither `readOnlyHint` nor `destructiveHint: false`, as the protocol presumes.',
      ),
    untrusted: z
      .array(z.string())
      .prefault([])
      .describe(
        'Upstreams (`*` for any part of a name) whose results are marked by `_meta["io.github.holdfast/untrusted"]`, for clients that treat them as data.',
      ),
    runners: z
      .enum(['any', 'checked'])
      .prefault('any')
      .describe(
        '`checked`: refuse servers that are added or changed over the API or the dashboard and would run a shell, code out of their arguments, or a container with the rights of the machine (`npx -c`, `sh -c`, `docker --privileged`). What stands in the file is not asked.',
      ),
  })
  .prefault({})
  .describe(
    'Approval of servers and tools, the scanner of descriptions, confirmation of calls, marks on results, and what servers may be started with.',
  );
