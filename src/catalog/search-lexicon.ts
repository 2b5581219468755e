// Words that mean the same where tools are concerned: English ones among each other, and what Chinese words are in
// English, since most tools describe themselves in English and many people ask in Chinese. Kept as text: a line is a set.
import { CHINESE } from './search-lexicon-zh.ts';

/** Each line: words that may stand for each other, all of them in their shortest form. */
const SAME = `
create add new make insert open post
delete remove destroy drop erase trash clear
get retrieve fetch read show view
find search query lookup look
list all enumerate
update edit modify change patch set rename
send post publish deliver tell notify
email mail inbox mailbox
image picture photo icon
screenshot capture snapshot
folder directory
document doc page
website site web webpage
chat conversation group room
message msg dm text
meeting event appointment calendar
availability freebusy free busy
task todo ticket card issue
bug issue defect
pr pull merge
repository repo project
execute run invoke start launch
stop cancel abort terminate kill
restart reboot cycle
server vps vm machine droplet instance
pod container workload
log output trace
database db
table sheet spreadsheet grid
record row entry item
field column property
sql query statement
price cost billing
payment charge pay money
refund reimburse return
balance money account
customer client contact
user member people person account
route directions navigation way path
distance far
place location poi spot
address geocode location
weather forecast rain temperature
map geo
drive driving car
walk walking foot
bike bicycling cycling bicycle ride
bus transit subway metro
train rail ticket
elevation altitude height
chart graph plot diagram draw visualization
scrape crawl extract
download export save
upload import attach
share permission access grant
approve approval accept
assign assignee owner
comment reply note remark
label tag
monitor watch track observe
metric statistics stats usage
performance speed slow profile explain
memory heap leak
test testing spec
flaky unreliable sometimes
pipeline build ci workflow
deploy release publish rollout
environment env
variable secret config setting
domain dns
certificate ssl tls
key token credential secret
password credential
login signin auth authentication
storage bucket blob object
cache kv
backup snapshot restore
schema structure ddl
index indexes
click press tap
type enter input fill
navigate goto visit browse open
tab window
form field
summary overview digest
translate translation
remember memory remind observation
reminder alarm alert remind
subscription plan membership
invoice bill
product item goods
order purchase
branch ref
blame author wrote annotate
diff compare difference
commit change
history log
clone copy duplicate
move transfer relocate
count number amount
size large space big
library package module framework
documentation docs guide reference manual
news article headline
video clip
file attachment
maintenance cordon drain
node machine
sort order rank
schedule plan cron
vacation holiday away autoreply ooo automatic
time clock
rule filter
team workspace organization
function lambda worker
queue topic
code source
undo revert rollback reset restore
crash error exception fail failure broken
finish done complete close resolve
due deadline overdue date
invite add member attendee participant
kick remove member
colleague teammate member user
phone mobile device emulate
offline throttle network
bigger smaller resize scale grow shrink
replica scale autoscale
block firewall ban deny
discount coupon promotion promo
dispute chargeback
spend cost usage billing
quota limit usage
sprint cycle iteration
estimate point size
checklist subtask item
favourite favorite star
follow subscribe watch
rerun retry again
changelog release note
nearby around near close
jam congestion traffic
flight plane
hotel accommodation
journey trip route
tree structure hierarchy
zip archive compress
archive hide close
research search investigate
sitemap map url
hook webhook callback
certificate https ssl
subdomain dns record domain
purge cache invalidate
balance funds
sell sale sales revenue
proportion share pie percentage
trend line growth
relationship relation network graph
timeline gantt schedule
spelling text
sign signature
draft unsent
forward resend
unread new
spam junk
mute silence
pin sticky
emoji reaction
thread reply conversation
profile me user whoami
folder mailbox label
contact address person
job run task
version revision release
owner author creator
dependency package
vulnerability security cve
branch fork
conflict merge
console log print
cookie storage session
request response network http
endpoint api url
mock stub fake
collection folder
metric dashboard insight
alarm alert incident
uptime health status check
ip address
postcode zip address
coordinate latitude longitude geocode
think reason plan
forget delete
fact observation knowledge
`;

/** What a question is made of besides its words. */
const STOP_ENGLISH =
  'a an the of to in on at for from with by and or is are was be been do does did can could will would should shall may i me my we our us you your it its this that these those there here what which who whose how when where why please want need let just some any have has had not no so if then than too very as into about out up down s t d ll re ve m am';
const STOP_CHINESE = '的了吗呢吧啊我你他她它们这那个些是有在和与或把被给从到对请想要帮就都也还再很会能可以一下做用上里';

export const STOP_WORDS: ReadonlySet<string> = new Set(STOP_ENGLISH.split(' '));
export const STOP_CHARACTERS: ReadonlySet<string> = new Set(STOP_CHINESE);

function lines(text: string): string[][] {
  return text
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
}

/** For each word the words that may stand for it. Built once for an index. */
export function synonyms(stem: (word: string) => string): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const words of lines(SAME)) {
    const stems = words.map(stem);
    for (const word of stems) {
      const others = found.get(word) ?? new Set<string>();
      for (const other of stems) if (other !== word) others.add(other);
      found.set(word, others);
    }
  }
  return found;
}

/** Chinese words with their English ones. */
export function translations(stem: (word: string) => string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [chinese = '', ...english] of lines(CHINESE)) {
    found.set(chinese, [...new Set([...(found.get(chinese) ?? []), ...english.map(stem)])]);
  }
  return found;
}
