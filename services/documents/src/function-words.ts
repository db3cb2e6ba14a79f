/**
 * The commonest words of the languages that are written in Latin letters, none of them a word of the trade. They give a text's
 * language away after a few sentences, also in technical prose, where detection by letter groups takes names for words.
 */
const FUNCTION_WORDS: Readonly<Record<string, string>> = {
  ca: 'el els les amb per que és dels aquest aquesta també però com més són això',
  cs: 'je se na že pro jako jsou nebo které který při být bylo ale tak jeho také',
  da: 'og er det til på som med af ikke den har kan eller også hvis være blev fra',
  de: 'der die das und ist nicht ein eine mit von für auf den dem wird werden sich auch oder bei zu sind als',
  en: 'the of and to is that for with as are be this by it or from not can if which when an has was will',
  es: 'el los las de que en para con por una del es se como más pero este esta son también al',
  fi: 'ja on ei että se ovat tai kun myös sekä mutta joka ole voi niin kuin tämä',
  fr: 'le les des et est dans pour une que par sur avec qui pas du ce sont ou au cette plus aux être',
  hu: 'az és hogy nem egy is van ha meg vagy csak ezt amely lehet mint kell már',
  id: 'yang dan di dengan untuk dari pada ini adalah tidak dalam atau akan oleh itu dapat ke',
  it: 'il di che per un una della del con non sono gli dei alla nel anche come più questo si',
  nl: 'de het een van en is dat niet zijn voor met op te aan ook als wordt door bij worden deze',
  no: 'og er det til på som med av ikke den har kan eller også hvis være ble fra',
  pl: 'się nie jest na że do jak lub przez oraz dla są tak który może być ten tego',
  pt: 'os as de que em para com por uma do da não um se como mais mas ao são também',
  ro: 'și în de la pe este cu că care nu un sau din pentru mai sunt fi prin',
  sv: 'och är det att på som med av inte den för har kan eller också om vara från ett en',
  tr: 've bir bu için ile olarak daha çok olan gibi da de ne ama veya kadar',
};

const languagesOf = new Map<string, string[]>();
for (const [language, words] of Object.entries(FUNCTION_WORDS)) {
  for (const word of words.split(' ')) languagesOf.set(word, [...(languagesOf.get(word) ?? []), language]);
}

/** In prose every third word is one of these; lists and tables of names still hold some. */
const SHARE_MIN = 0.06;
const WORDS_MIN = 4;
/** One short word may be a name that is repeated; several different ones are a language. */
const DISTINCT_MIN = 3;
const LEAD_MIN = 1.4;

/** The language whose function words a text uses, when it uses enough of them and clearly more than any other's. */
export function languageByFunctionWords(text: string): string | undefined {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  let words = 0;
  for (const [word] of text.toLowerCase().matchAll(/\p{L}+/gu)) {
    words++;
    const languages = languagesOf.get(word) ?? [];
    if (languages.length > 0) seen.add(word);
    for (const language of languages) counts.set(language, (counts.get(language) ?? 0) + 1);
  }
  const [best, second] = [...counts].sort(([, a], [, b]) => b - a);
  if (!best || best[1] < Math.max(WORDS_MIN, words * SHARE_MIN) || best[1] < (second?.[1] ?? 0) * LEAD_MIN)
    return undefined;
  const distinct = [...seen].filter((word) => languagesOf.get(word)?.includes(best[0])).length;
  return distinct >= DISTINCT_MIN ? best[0] : undefined;
}
