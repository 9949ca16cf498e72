/* Numbers as other programs read them: the shortest decimal text that reads back the same, with a point in any locale.
 */
#ifndef BASE_NUMBER_TEXT_H
#define BASE_NUMBER_TEXT_H

#define NUMBER_TEXT_SIZE 32

/* `value` must be finite. */
void number_text(double value, char text[NUMBER_TEXT_SIZE]);

#endif
