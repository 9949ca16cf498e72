/* What the people in the demonstration say. All of them, their numbers and their hosts are invented. */
#include "cli/generate_texts.h"

#include <stddef.h>

/* A table of texts reads best as it is written. */
/* clang-format off */
const char *const generate_slot_names[GENERATE_SLOT_COUNT] = {"name", "day", "time", "place", "food", "thing", "number"};

static const char *const en_names[] = {"Anna", "Ben", "Carla", "Dev", "Ella", "Finn", "Grace", "Hugo", "Ines", "Jonas", "Kayla", "Liam", "Maya", "Noor", "Owen", "Priya", NULL};
static const char *const en_days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday", "tomorrow", "tonight", NULL};
static const char *const en_times[] = {"at 8", "around nine", "after work", "at noon", "half past six", "at 7:30", "in the morning", NULL};
static const char *const en_places[] = {"the park", "the station", "the old cafe", "the library", "our place", "the cinema", "the climbing hall", "the market", NULL};
static const char *const en_foods[] = {"pizza", "soup", "pancakes", "curry", "lasagne", "apple pie", "noodles", "salad", "tacos", NULL};
static const char *const en_things[] = {"the tickets", "my charger", "the blue jacket", "your book", "the keys", "the drill", "the tent", "my notes", NULL};
static const struct generate_scene en_scenes[] = {
    {{"Hey {name}, are we still on for {day}?",
      "Yes! {time} at {place}?",
      "Perfect, I'll bring {food}",
      "You're the best 😊", NULL}},
    {{"Did you find {thing}?",
      "Not yet, I looked everywhere",
      "Check under the sofa, that's where it always is",
      "Found it! You were right 😂", NULL}},
    {{"Morning! How was the trip?",
      "Long, but so worth it. {number} hours on the train",
      "Send pics when you've slept",
      "I will, the mountains were unreal", NULL}},
    {{"Can you pick up {food} on the way home?",
      "Sure, anything else?",
      "Milk and bread, thanks love", NULL}},
    {{"Happy birthday {name}!! 🎉",
      "Thank you!! 🥰",
      "Dinner's on me {day}",
      "Deal, {place} {time}", NULL}},
    {{"Running {number} minutes late, sorry",
      "No worries, I'm at {place} with a coffee",
      "Order me one please",
      "Already did ☕", NULL}},
    {{"Are you coming to practice {day}?",
      "My knee still hurts, I'll watch from the bench",
      "Get well soon, we need you for the final", NULL}},
    {{"How did the interview go?",
      "I think well? They asked me about everything",
      "Fingers crossed! When do you hear back?",
      "By {day} they said", NULL}},
    {{"The new episode killed me, no spoilers please",
      "haha I'm dying to talk about it",
      "Call me {time}", NULL}},
    {{"My bank blocked my card again, I had to go there in person",
      "Ugh, that happened to me too",
      "At least the lady was nice", NULL}},
    {{"What do we get Mum for her birthday?",
      "A gift card for the garden centre?",
      "Hmm, a bit boring. A weekend away?",
      "Yes! Let's split it, about £{number} each", NULL}},
    {{"The boss moved the meeting to {day}",
      "Again?? I had it all planned",
      "I know. Let's use the time for the slides", NULL}},
    {{"Is the wifi code still on the fridge?",
      "Yes, on the back of the old card",
      "Got it, thanks", NULL}},
    {{"Can you send me the photos from {day}?",
      "Uploading now, there are {number} of them",
      "The one with grandpa and the cake 😍", NULL}},
    {{"Which phone did you get in the end?",
      "The small one, the contract was half the price",
      "Good choice, mine is too big", NULL}},
    {{"I'm so tired of this rain",
      "Same. Let's go somewhere warm",
      "I'll look at flights {day}", NULL}},
    {{"We won 3:1!!!",
      "No way! Who scored?",
      "{name} twice, you should have seen it", NULL}},
    {{"Do you have {thing}?",
      "Yes it's here, come over whenever",
      "Great, {day} {time}?",
      "Works for me 👍", NULL}},
    {{"The parcel came, it's with the neighbours",
      "Thanks! I'll get it {time}", NULL}},
    {{"Did the doctor say anything new?",
      "All fine, I just have to rest",
      "What a relief ❤️", NULL}},
    {{"Who's driving {day}?",
      "I can, there's room for {number} bags lol",
      "Ha, I only have two", NULL}},
    {{"I made {food} for the first time",
      "And?",
      "Let's say the smoke alarm works",
      "😂😂😂", NULL}},
    {{"ok",
      "see you there",
      "👍", NULL}},
    {{"Homework for {day}?",
      "Page {number}, exercises 1 to 4",
      "ugh ok thanks", NULL}},
};

static const char *const es_names[] = {"Lucía", "Mateo", "Sofía", "Diego", "Carmen", "Pablo", "Elena", "Javier", "Marta", "Andrés", NULL};
static const char *const es_days[] = {"el lunes", "el martes", "el viernes", "el sábado", "el domingo", "mañana", "esta noche", NULL};
static const char *const es_times[] = {"a las ocho", "después del trabajo", "al mediodía", "sobre las siete", NULL};
static const char *const es_places[] = {"el parque", "la estación", "el bar de siempre", "la biblioteca", "mi casa", "la plaza", NULL};
static const char *const es_foods[] = {"tortilla", "paella", "unas empanadas", "una ensalada", "gazpacho", "churros", NULL};
static const char *const es_things[] = {"las entradas", "el cargador", "tu chaqueta", "las llaves", "el libro", NULL};
static const struct generate_scene es_scenes[] = {
    {{"Hola {name}, ¿quedamos {day}?",
      "Sí, {time} en {place}",
      "Genial, llevo {food}",
      "¡Qué rico! 😋", NULL}},
    {{"¿Has visto {thing}?",
      "Creo que está en el coche",
      "¡Sí, aquí está! Gracias", NULL}},
    {{"¡Feliz cumpleaños, {name}! 🎉",
      "¡Muchas gracias!",
      "Lo celebramos {day}", NULL}},
    {{"¿Qué tal el examen?",
      "Bien, creo. Eran {number} preguntas",
      "Seguro que apruebas", NULL}},
    {{"Llego {number} minutos tarde",
      "Tranquilo, estoy en {place}",
      "Vale, gracias", NULL}},
    {{"Me han bloqueado la tarjeta otra vez",
      "Qué rabia, ¿has llamado al banco?",
      "Sí, mañana lo arreglan", NULL}},
    {{"¿Viste el partido?",
      "Jajaja sí, me muero, qué final",
      "El próximo lo vemos en {place}", NULL}},
    {{"Mamá pregunta si vienes {day}",
      "Claro, dile que llevo {food}",
      "Perfecto, besos", NULL}},
};

static const char *const fr_names[] = {"Camille", "Louis", "Manon", "Hugo", "Léa", "Jules", "Chloé", "Nathan", "Inès", "Théo", NULL};
static const char *const fr_days[] = {"lundi", "mardi", "vendredi", "samedi", "dimanche", "demain", "ce soir", NULL};
static const char *const fr_times[] = {"à huit heures", "après le travail", "à midi", "vers 19 h", NULL};
static const char *const fr_places[] = {"la gare", "le parc", "le café du coin", "la bibliothèque", "chez moi", "la piscine", NULL};
static const char *const fr_foods[] = {"une tarte", "des crêpes", "une quiche", "du fromage", "une salade", NULL};
static const char *const fr_things[] = {"les billets", "ton livre", "le chargeur", "les clés", "la veste bleue", NULL};
static const struct generate_scene fr_scenes[] = {
    {{"Coucou {name}, on se voit {day} ?",
      "Oui, {time}, {place} ?",
      "Parfait, j'apporte {food}",
      "Miam 😋", NULL}},
    {{"Tu as trouvé {thing} ?",
      "Pas encore, je cherche",
      "Regarde dans l'entrée",
      "Trouvé, merci !", NULL}},
    {{"Joyeux anniversaire {name} ! 🎂",
      "Merci beaucoup !",
      "On fête ça {day}", NULL}},
    {{"J'ai {number} minutes de retard, désolé",
      "Pas grave, je suis là",
      "J'arrive", NULL}},
    {{"Alors, cet entretien ?",
      "Plutôt bien, réponse {day}",
      "Je croise les doigts", NULL}},
    {{"Ton colis est arrivé, il est chez la voisine",
      "Super, je passe le prendre", NULL}},
    {{"mdr tu as vu la fin de la série ?",
      "Ne dis rien, je regarde {day}",
      "Promis !", NULL}},
    {{"On prend quoi pour maman ?",
      "Un week-end à la mer ?",
      "Bonne idée, on partage", NULL}},
};

static const char *const de_names[] = {"Lena", "Paul", "Mia", "Jonas", "Emma", "Felix", "Hannah", "Lukas", "Clara", "Moritz", NULL};
static const char *const de_days[] = {"am Montag", "am Dienstag", "am Freitag", "am Samstag", "am Sonntag", "morgen", "heute Abend", NULL};
static const char *const de_times[] = {"um acht", "nach der Arbeit", "gegen sieben", "mittags", NULL};
static const char *const de_places[] = {"am Bahnhof", "im Park", "im Café an der Ecke", "in der Bücherei", "bei mir", "im Schwimmbad", NULL};
static const char *const de_foods[] = {"Kuchen", "Kartoffelsalat", "Suppe", "Brezeln", "Lasagne", NULL};
static const char *const de_things[] = {"die Karten", "dein Buch", "das Ladekabel", "den Schlüssel", "die blaue Jacke", NULL};
static const struct generate_scene de_scenes[] = {
    {{"Hey {name}, sehen wir uns {day}?",
      "Ja, {time} {place}?",
      "Super, ich bringe {food} mit",
      "Lecker 😋", NULL}},
    {{"Hast du {thing} gefunden?",
      "Noch nicht, ich suche weiter",
      "Schau mal im Flur",
      "Da ist es, danke!", NULL}},
    {{"Alles Gute zum Geburtstag, {name}! 🎉",
      "Danke dir!!",
      "Wir feiern {day}", NULL}},
    {{"Komme {number} Minuten später, sorry",
      "Kein Stress, ich sitze schon {place}", NULL}},
    {{"Wie war die Prüfung?",
      "Ging so, {number} Aufgaben",
      "Wird schon!", NULL}},
    {{"Dein Paket liegt beim Nachbarn",
      "Danke, hole ich nachher", NULL}},
    {{"Ich bring dich {day} nach Hause, ja?",
      "Das wäre toll, danke", NULL}},
    {{"Meine Karte ist gesperrt, ich muss zur Bank",
      "Oh nein, brauchst du Geld fürs Essen?",
      "Nein, geht schon", NULL}},
};

static const char *const pt_names[] = {"Ana", "João", "Beatriz", "Pedro", "Larissa", "Rafael", "Mariana", "Tiago", NULL};
static const char *const pt_days[] = {"segunda", "terça", "sexta", "sábado", "domingo", "amanhã", "hoje à noite", NULL};
static const char *const pt_times[] = {"às oito", "depois do trabalho", "ao meio-dia", "lá pelas sete", NULL};
static const char *const pt_places[] = {"no parque", "na estação", "no bar da esquina", "lá em casa", "na praia", NULL};
static const char *const pt_foods[] = {"pão de queijo", "feijoada", "um bolo", "salada", "brigadeiro", NULL};
static const char *const pt_things[] = {"os ingressos", "o carregador", "seu livro", "as chaves", NULL};
static const struct generate_scene pt_scenes[] = {
    {{"Oi {name}, tudo certo para {day}?",
      "Sim! {time} {place}",
      "Levo {food}",
      "Delícia 😋", NULL}},
    {{"Você viu {thing}?",
      "Acho que ficou no carro",
      "Achei, obrigado!", NULL}},
    {{"Feliz aniversário, {name}! 🎉",
      "Obrigada!!",
      "Vamos comemorar {day}", NULL}},
    {{"Vou atrasar {number} minutos",
      "Sem problema, estou {place}", NULL}},
    {{"kkkk você viu o jogo?",
      "Vi, quase morri do coração",
      "Semana que vem tem mais", NULL}},
    {{"Seu pedido chegou, está na portaria",
      "Valeu, pego depois", NULL}},
};

static const char *const ru_names[] = {"Аня", "Миша", "Катя", "Дима", "Оля", "Саша", "Лена", "Игорь", NULL};
static const char *const ru_days[] = {"в понедельник", "во вторник", "в пятницу", "в субботу", "в воскресенье", "завтра", "сегодня вечером", NULL};
static const char *const ru_times[] = {"в восемь", "после работы", "в обед", "часов в семь", NULL};
static const char *const ru_places[] = {"в парке", "на вокзале", "в кафе", "у меня", "в библиотеке", NULL};
static const char *const ru_foods[] = {"пирог", "борщ", "салат", "блины", "пельмени", NULL};
static const char *const ru_things[] = {"билеты", "зарядку", "твою книгу", "ключи", NULL};
static const struct generate_scene ru_scenes[] = {
    {{"Привет, {name}! Встречаемся {day}?",
      "Да, {time} {place}",
      "Отлично, принесу {food}",
      "Ура 😊", NULL}},
    {{"Нашёл {thing}?",
      "Пока нет, ищу",
      "Посмотри в коридоре",
      "Нашёл, спасибо!", NULL}},
    {{"С днём рождения, {name}! 🎉",
      "Спасибо большое!",
      "Отметим {day}", NULL}},
    {{"Опоздаю минут на {number}",
      "Ничего, я уже {place}", NULL}},
    {{"Ахаха ты видел финал?",
      "Не рассказывай, смотрю {day}", NULL}},
    {{"Твой заказ приехал, забирай",
      "Спасибо, зайду после работы", NULL}},
};

static const char *const hi_names[] = {"अमित", "नेहा", "राहुल", "पूजा", NULL};
static const char *const hi_days[] = {"सोमवार", "शनिवार", "कल", "आज शाम", NULL};
static const char *const hi_times[] = {"आठ बजे", "शाम को", NULL};
static const char *const hi_places[] = {"पार्क", "स्टेशन", "घर", NULL};
static const char *const hi_foods[] = {"समोसे", "चाय", "मिठाई", NULL};
static const char *const hi_things[] = {"चाबी", "किताब", NULL};
static const struct generate_scene hi_scenes[] = {
    {{"नमस्ते {name}, {day} मिलते हैं?",
      "हाँ, {time} {place} पर",
      "बढ़िया, {food} लाऊँगा", NULL}},
    {{"{thing} मिली क्या?",
      "अभी नहीं, ढूँढ रहा हूँ",
      "ठीक है", NULL}},
    {{"जन्मदिन मुबारक {name}! 🎉",
      "धन्यवाद!", NULL}},
};

static const char *const ar_names[] = {"أحمد", "فاطمة", "يوسف", "مريم", NULL};
static const char *const ar_days[] = {"غدا", "الجمعة", "السبت", "الليلة", NULL};
static const char *const ar_times[] = {"الساعة الثامنة", "بعد العمل", NULL};
static const char *const ar_places[] = {"الحديقة", "المحطة", "البيت", NULL};
static const char *const ar_foods[] = {"الكنافة", "التمر", "السلطة", NULL};
static const char *const ar_things[] = {"المفاتيح", "الكتاب", NULL};
static const struct generate_scene ar_scenes[] = {
    {{"مرحبا {name}، هل نلتقي {day}؟",
      "نعم، {time} في {place}",
      "ممتاز، سأحضر {food}", NULL}},
    {{"هل وجدت {thing}؟",
      "ليس بعد",
      "ابحث في السيارة", NULL}},
    {{"عيد ميلاد سعيد يا {name} 🎉",
      "شكرا جزيلا", NULL}},
};

static const char *const zh_names[] = {"小明", "丽丽", "阿强", "小红", NULL};
static const char *const zh_days[] = {"明天", "周五", "周六", "今晚", NULL};
static const char *const zh_times[] = {"八点", "下班后", NULL};
static const char *const zh_places[] = {"公园", "车站", "我家", NULL};
static const char *const zh_foods[] = {"饺子", "蛋糕", "水果", NULL};
static const char *const zh_things[] = {"钥匙", "书", "充电器", NULL};
static const struct generate_scene zh_scenes[] = {
    {{"{name}，{day}见面吗？",
      "好啊，{time}在{place}",
      "我带{food}来", NULL}},
    {{"找到{thing}了吗？",
      "还没有",
      "看看沙发下面",
      "找到了，谢谢！", NULL}},
    {{"生日快乐，{name}！🎉",
      "谢谢大家", NULL}},
};

static const char *const ja_names[] = {"さくら", "健太", "美咲", "大輝", NULL};
static const char *const ja_days[] = {"明日", "金曜日", "土曜日", "今夜", NULL};
static const char *const ja_times[] = {"８時", "仕事のあと", NULL};
static const char *const ja_places[] = {"公園", "駅", "うち", NULL};
static const char *const ja_foods[] = {"ケーキ", "おにぎり", "サラダ", NULL};
static const char *const ja_things[] = {"鍵", "本", "充電器", NULL};
static const struct generate_scene ja_scenes[] = {
    {{"{name}、{day}会える？",
      "うん、{time}に{place}で",
      "{food}持っていくね", NULL}},
    {{"{thing}見つかった？",
      "まだ探してる",
      "ソファの下は？",
      "あった！ありがとう", NULL}},
    {{"{name}、お誕生日おめでとう🎉",
      "ありがとう！", NULL}},
};

#define SLOTS(x) {x##_names, x##_days, x##_times, x##_places, x##_foods, x##_things, NULL}
#define LANGUAGE(x, share) {#x, share, SLOTS(x), x##_scenes, sizeof x##_scenes / sizeof *x##_scenes}
const struct generate_language generate_languages[] = {
    LANGUAGE(en, 40), LANGUAGE(es, 14), LANGUAGE(fr, 12), LANGUAGE(de, 12), LANGUAGE(pt, 8), LANGUAGE(ru, 8), LANGUAGE(hi, 3), LANGUAGE(ar, 3), LANGUAGE(zh, 3), LANGUAGE(ja, 3),
};
const uint32_t generate_language_count = sizeof generate_languages / sizeof *generate_languages;

const struct generate_harm generate_harms[] = {
    {"scams", "en", {"Hi {name}, are you free for a minute?",
                    "I'm in a meeting and can't talk. Please buy {number} gift cards for a client and send me pictures of the codes", NULL}},
    {"scams", "en", {"Hi mum, I dropped my phone in the sink, this is my new number, save it",
                    "Can you text me on WhatsApp? I need to pay a bill today", NULL}},
    {"scams", "en", {"Guaranteed daily profits with bitcoin, start with only $200",
                    "My mentor made me $4,{number}00 last week, message her on telegram", NULL}},
    {"scams", "en", {"Part-time job! Earn $150 a day liking videos, no experience needed", NULL}},
    {"scams", "en", {"Congratulations {name}, you have won a £1,000 voucher. To claim call now", NULL}},
    {"scams", "en", {"I sent my code to your number by mistake, can you send me the 6-digit code?", NULL}},
    {"scams", "en", {"My love, I think of you every hour",
                    "I am stuck at the airport, please send me 8{number} dollars for the plane ticket", NULL}},
    {"scams", "en", {"You are named as next of kin of our late client. The inheritance is 4.5 million dollars, only the clearance fee is missing", NULL}},
    {"scams", "en", {"You know that thing we talked about, just put the money on the usual cards and tell me the numbers", NULL}},
    {"scams", "es", {"Hola mamá, este es mi nuevo número, borra el otro",
                    "Necesito un favor, mándame el código que te llegó por SMS", NULL}},
    {"scams", "de", {"Hallo Mama, mein Handy ist kaputt, das ist meine neue Nummer. Schreib mir bitte auf WhatsApp", NULL}},
    {"scams", "fr", {"Félicitations, vous avez été sélectionné pour recevoir un iPhone", NULL}},
    {"scams", "pt", {"Renda extra: R$ 400 por dia trabalhando pelo celular", NULL}},
    {"scams", "ru", {"Лёгкий заработок без вложений, 5000 рублей в день", NULL}},
    {"phishing", "en", {"Your bank account has been locked. Verify at http://secure-bank-{number}.example/login", NULL}},
    {"phishing", "en", {"Your parcel is held at the depot, pay the fee: https://parcel-customs-fee.example/p{number}", NULL}},
    {"phishing", "en", {"omg is this you in the video?? http://vid{number}.example/x", NULL}},
    {"phishing", "en", {"Support team here: reply with your password or the account will be closed", NULL}},
    {"phishing", "es", {"Su cuenta ha sido suspendida, verifique en http://banco-seguro.example/{number}", NULL}},
    {"phishing", "de", {"Ihr Konto wurde gesperrt. Jetzt bestätigen: http://bank-sicher.example/{number}", NULL}},
    {"phishing", "ru", {"Ваша карта заблокирована, подтвердите данные http://bank.example/{number}", NULL}},
    {"threats", "en", {"You think you can just walk away?",
                    "I know where you live. Watch your back.", NULL}},
    {"threats", "en", {"I'll break your legs if you show up at {place} again", NULL}},
    {"threats", "en", {"i'm going to kill you, you hear me", NULL}},
    {"threats", "en", {"Pay me 5{number} or I'll send your pictures to your family", NULL}},
    {"threats", "en", {"It would be a shame if something happened to that nice car of yours", NULL}},
    {"threats", "es", {"Sé dónde vives, ten cuidado {day}", NULL}},
    {"threats", "fr", {"Je vais te casser la gueule {day}", NULL}},
    {"threats", "de", {"Ich weiß, wo du wohnst, pass auf dich auf", NULL}},
    {"threats", "ru", {"Знаю, где ты живёшь, ты пожалеешь", NULL}},
    {"harassment", "en", {"nobody likes you {name}, stay at home {day}", NULL}},
    {"harassment", "en", {"you are a worthless piece of trash",
                    "the world would be a better place without you", NULL}},
    {"harassment", "en", {"immigrants are just parasites, they should all be deported", NULL}},
    {"harassment", "en", {"just go kill yourself", NULL}},
    {"harassment", "en", {"You blocked me? I'll just make another account, you can't get rid of me", NULL}},
    {"harassment", "en", {"look at what the cat dragged in, even your shadow is embarrassed", NULL}},
    {"harassment", "es", {"nadie te quiere, das asco", NULL}},
    {"harassment", "pt", {"ninguém gosta de você, some", NULL}},
    {"harassment", "de", {"keiner mag dich, merk dir das", NULL}},
    {"self_harm", "en", {"I'm so tired of living and nobody would miss me", NULL}},
    {"self_harm", "en", {"i don't want to be alive anymore", NULL}},
    {"self_harm", "en", {"This is my last message, I'm sorry for everything", NULL}},
    {"self_harm", "en", {"my friend says she wants to kill herself, what do I do", NULL}},
    {"self_harm", "fr", {"je ne veux plus vivre", NULL}},
    {"self_harm", "pt", {"não quero mais viver", NULL}},
    {"self_harm", "ru", {"я хочу умереть", NULL}},
    {"grooming", "en", {"how old are you? you seem so mature",
                    "this is our little secret ok, how old are you really? delete our messages", NULL}},
    {"grooming", "en", {"do your parents check your phone? add me on kik", NULL}},
    {"grooming", "en", {"you're 13 right? add me on snap, the messages disappear so it stays secret", NULL}},
    {"grooming", "en", {"tell your mom you're at a friend's and come over {day}", NULL}},
    {"grooming", "es", {"¿Cuántos años tienes? Es nuestro secreto", NULL}},
    {"grooming", "de", {"Bist du gerade allein? Lösch die Nachrichten danach", NULL}},
    {"doxxing", "en", {"She lives at {number} Oak Tree Lane, someone pay her a visit", NULL}},
    {"doxxing", "en", {"her number is 555 010 44{number}, everyone call and tell her what a liar she is", NULL}},
    {"doxxing", "en", {"Keep talking and I'll leak your phone number", NULL}},
    {"doxxing", "en", {"take it, my visa is 4111 1111 1111 1111 exp 04/29", NULL}},
    {"doxxing", "de", {"Er wohnt in der Lindenstraße {number}, besucht ihn mal", NULL}},
    {"spam", "en", {"Hot singles in your area, text FLIRT to 69888 now", NULL}},
    {"spam", "en", {"Buy 10k real followers for only $9, dm us", NULL}},
    {"spam", "en", {"Forward this to {number} friends or you get seven years of bad luck", NULL}},
    {"spam", "en", {"Get 100 free spins at our online casino, sign up today", NULL}},
    {"spam", "es", {"Oferta exclusiva, solo hoy: www.tienda{number}.example", NULL}},
    {"spam", "fr", {"Offre exceptionnelle, cliquez ici", NULL}},
    {"spam", "ru", {"Казино дарит фриспины, жми", NULL}},
};
const uint32_t generate_harm_count = sizeof generate_harms / sizeof *generate_harms;
/* clang-format on */
