// Parts of a page, each at an address of its own.
export function Tabs({
  label,
  at,
  tabs,
}: {
  label: string;
  at: string;
  tabs: readonly { id: string; title: string; href: string }[];
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab) => (
        <a key={tab.id} href={tab.href} aria-current={tab.id === at ? 'page' : undefined}>
          {tab.title}
        </a>
      ))}
    </nav>
  );
}
