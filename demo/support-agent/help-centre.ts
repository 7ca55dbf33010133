export interface Article {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

const articles: readonly Article[] = [
  {
    id: 'returns',
    title: 'Returning an item',
    text: 'An unused item can be returned within 30 days of delivery. Start the return in your account, print the label and hand the parcel to the carrier. The refund reaches your card five working days after the parcel is back with us.',
  },
  {
    id: 'delivery',
    title: 'Delivery times and tracking',
    text: 'Orders leave the warehouse within one working day. Standard delivery takes two to four working days. As soon as the parcel is with the carrier its place is shown under "track my order".',
  },
  {
    id: 'warranty',
    title: 'Warranty and repairs',
    text: 'Every item carries a warranty of two years against faults of material and making. Wear, drops and water are not covered. Repairs take about ten working days.',
  },
  {
    id: 'invoices',
    title: 'Invoices and receipts',
    text: 'The invoice is sent to the e-mail address of your account on the day of shipping. It can be sent again at any time from the page of the order.',
  },
  {
    id: 'payments',
    title: 'Payments and cards',
    text: 'We charge the card on the day of shipping. A declined charge is tried again once after 24 hours. Card numbers are never sent by e-mail or chat.',
  },
  {
    id: 'privacy',
    title: "Other people's orders",
    text: 'We speak about an order only with the customer who placed it. Addresses of other customers are never changed or told.',
  },
];

/** Words too common to say what a question is about. */
const commonWords = new Set(
  'the and for you your can how what with from that this have did does are was not please'.split(' '),
);

/** The articles that share most words with a question, best first, each with its share of them. */
export function searchHelpCentre(question: string, count = 2): readonly { article: Article; score: number }[] {
  const asked = wordsOf(question);
  return articles
    .map((article) => ({ article, score: overlap(asked, wordsOf(`${article.title} ${article.text}`)) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, count);
}

/** Cut to five letters: "returned", "returning" and "return" are one word here. */
function wordsOf(text: string): ReadonlySet<string> {
  const words = text.toLowerCase().match(/[a-z]{3,}/g) ?? [];
  return new Set(words.filter((word) => !commonWords.has(word)).map((word) => word.slice(0, 5)));
}

function overlap(asked: ReadonlySet<string>, article: ReadonlySet<string>): number {
  const shared = [...asked].filter((word) => article.has(word)).length;
  return asked.size === 0 ? 0 : Math.round((shared / asked.size) * 100) / 100;
}
