import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { accessOf } from '@morag/auth';
import type { Access } from '@morag/gen/morag/options/v1/options_pb.ts';
import { isInfrastructure, methodName } from '../method-name.ts';

/** Who may call a method, and, where any authenticated caller may, whether API keys may too. */
export type AccessRule = Access['rule'] & { readonly apiKeys: boolean };

/** Looks up the rule of a method; a method that was not registered is refused with an error. */
export type AccessRules = (method: DescMethod) => AccessRule;

const PUBLIC: AccessRule = { case: 'public', value: true, apiKeys: true };

/**
 * Reads `morag.options.v1.access` of every method once, and throws if one has none: a service with an unguarded method
 * does not start. Health and reflection are public; they tell nothing that the protos do not.
 */
export function createAccessRules(services: readonly DescService[]): AccessRules {
  const rules = new Map<DescMethod, AccessRule>();
  for (const method of services.flatMap(({ methods }) => methods)) {
    rules.set(method, isInfrastructure(method) ? PUBLIC : ruleOf(method));
  }
  return (method) => {
    const rule = rules.get(method);
    if (rule === undefined) throw new Error(`${methodName(method)} has no access rule: its service is not registered`);
    return rule;
  };
}

function ruleOf(method: DescMethod): AccessRule {
  const { rule, apiKeys } = accessOf(method);
  return { ...rule, apiKeys };
}
